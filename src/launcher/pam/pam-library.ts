import koffi from 'koffi'

/** One conversation with Linux-PAM. Calls block, for seconds after a wrong password. */
export interface Pam {
  /** Result of `pam_start`; the other calls may only follow when it is 0. */
  readonly started: number
  authenticate(): number
  checkAccount(): number
  openSession(): number
  closeSession(): number
  explain(code: number): string
  end(): void
}

const PAM_SUCCESS = 0
const PAM_CONV_ERR = 19
const PAM_TTY = 3
const PAM_RHOST = 4
const PAM_ESTABLISH_CRED = 2
const PAM_DELETE_CRED = 4
const PAM_SILENT = 0x8000
const PAM_PROMPT_ECHO_OFF = 1
const PAM_PROMPT_ECHO_ON = 2

const libc = koffi.load(null)
const calloc = libc.func('void *calloc(size_t count, size_t size)')
const strdup = libc.func('void *strdup(const char *text)')

const PamMessage = koffi.struct('pam_message', { msg_style: 'int', msg: 'const char *' })
const PamResponse = koffi.struct('pam_response', { resp: 'void *', resp_retcode: 'int' })
const Conversation = koffi.proto(
  'int pam_conversation(int count, const pam_message **messages, void **responses, void *data)',
)
koffi.struct('pam_conv', { conv: koffi.pointer(Conversation), appdata_ptr: 'void *' })

export function openPam(who: { service: string; name: string; password: string; address: string }): Pam {
  const lib = koffi.load('libpam.so.0')
  const start = lib.func(
    'int pam_start(const char *service, const char *user, const pam_conv *conv, _Out_ void **handle)',
  )
  const setItem = lib.func('int pam_set_item(void *handle, int item, const char *value)')
  const strerror = lib.func('const char *pam_strerror(void *handle, int code)')
  const step = (name: string) =>
    lib.func(`int ${name}(void *handle, int flags)`) as (handle: unknown, flags: number) => number
  const [authenticate, account, setCredentials] = [step('pam_authenticate'), step('pam_acct_mgmt'), step('pam_setcred')]
  const [openSession, closeSession, end] = [step('pam_open_session'), step('pam_close_session'), step('pam_end')]

  const conversation = koffi.register(
    (count: number, messages: unknown, responses: unknown) => converse(who, count, messages, responses),
    koffi.pointer(Conversation),
  )
  const handle: unknown[] = [null]
  const started: number = start(who.service, who.name, { conv: conversation, appdata_ptr: null }, handle)
  let last = started
  const call = (function_: (handle: unknown, flags: number) => number, flags: number) => {
    last = function_(handle[0], flags)
    return last
  }
  if (started === PAM_SUCCESS) {
    setItem(handle[0], PAM_TTY, 'orrery')
    if (who.address !== '') setItem(handle[0], PAM_RHOST, who.address)
  }
  return {
    started,
    authenticate: () => call(authenticate, PAM_SILENT),
    checkAccount: () => call(account, PAM_SILENT),
    openSession() {
      // pam_setcred(3): credentials are established before the session is opened.
      const code = call(setCredentials, PAM_ESTABLISH_CRED | PAM_SILENT)
      return code === PAM_SUCCESS ? call(openSession, PAM_SILENT) : code
    },
    closeSession() {
      const code = call(closeSession, PAM_SILENT)
      call(setCredentials, PAM_DELETE_CRED | PAM_SILENT)
      return code
    },
    explain: code => String(strerror(handle[0], code)),
    end() {
      if (started === PAM_SUCCESS) end(handle[0], last)
      koffi.unregister(conversation)
    },
  }
}

/** Answers hidden prompts with the password and others with the name. libpam frees the answers, so libc makes them. */
function converse(
  who: { name: string; password: string },
  count: number,
  messages: unknown,
  responses: unknown,
): number {
  if (count < 1 || count > 32) return PAM_CONV_ERR
  const answers = calloc(count, koffi.sizeof(PamResponse)) as unknown
  const pointers = koffi.decode(messages, koffi.array(koffi.pointer(PamMessage), count)) as unknown[]
  pointers.forEach((pointer, at) => {
    const message = koffi.decode(pointer, PamMessage) as { msg_style: number }
    const text =
      message.msg_style === PAM_PROMPT_ECHO_OFF
        ? who.password
        : message.msg_style === PAM_PROMPT_ECHO_ON
          ? who.name
          : null
    const answer = { resp: text === null ? null : (strdup(text) as unknown), resp_retcode: 0 }
    koffi.encode(answers, at * koffi.sizeof(PamResponse), PamResponse, answer)
  })
  koffi.encode(responses, 'void *', answers)
  return PAM_SUCCESS
}
