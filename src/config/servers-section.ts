import { z } from 'zod'
import { functionOf, type OfServer, type OfUser } from './functions.ts'
import { option, section } from './option.ts'
import { profileList } from './profiles-option.ts'
import { applyUserOptionsValue, groupOverridesValue, optionsFormValue, serverVariables } from './server-overrides.ts'
import { byteSize, duration, httpUrl, limit } from './values.ts'

/** Variables of an environment. */
export const texts = z.record(
  z.string().regex(/^[A-Za-z_]\w*$/, { error: 'expected the name of a variable' }),
  z.string(),
)

/** What users' servers run, how long they may take, and how many there may be. Names and defaults are JupyterHub's. */
export const serversSection = section({
  cmd: option(
    z.array(z.string().min(1)).min(1).optional(),
    'The single-user server: a program and its first arguments.',
    ['/opt/conda/bin/jupyterhub-singleuser'],
    { computed: 'jupyterhub-singleuser of the Python environment that Orrery makes in its data folder' },
  ),
  args: option(z.array(z.string()).default([]), 'More arguments for it.', ['--ServerApp.terminals_enabled=False']),
  preload: option(
    z.enum(['auto', 'servers', 'off']).default('auto'),
    'Servers on this machine and their Python kernels are forked from a process that has imported their modules, where their Python environment allows it; `servers`: kernels begin from nothing, `off`: all do.',
    'off',
  ),
  environment: option(
    serverVariables.default({}),
    'Variables that every server gets; a function is called for each server.',
    { OMP_NUM_THREADS: '4' },
  ),
  envKeep: option(
    z.array(z.string()).default(['JUPYTERHUB_SINGLEUSER_APP']),
    'Names of variables of the hub itself that are handed on to servers.',
    ['LANG', 'http_proxy'],
  ),
  defaultUrl: option(z.string().default(''), 'Page that opens first, below the address of the server.', '/lab'),
  notebookDir: option(z.string().default(''), 'Folder that the server shows; empty for the home.', '~/notebooks'),
  profiles: option(
    profileList.default([]),
    'The kinds of servers that people choose from before a start, with what they may set of them and who sees which.',
    [
      {
        name: 'small',
        label: 'Small',
        servers: { memLimit: '2G' },
        options: {
          memory: { type: 'number', label: 'Memory', min: 1, max: 4, default: 2, unit: 'G', setting: 'memLimit' },
        },
      },
    ],
  ),
  optionsForm: option(
    optionsFormValue.optional(),
    'HTML fields that are shown before a start, or a function of the user that gives them; `{ html, parse }` also says what becomes of the answer.',
    { html: '<label>Course <input name="course"></label>', parse: 'simple' },
    { computed: 'the form of the spawner, if it has one' },
  ),
  applyUserOptions: option(
    applyUserOptionsValue.optional(),
    'Which setting of the server an option of the user changes, or a function that checks and applies them.',
    { memory: 'memLimit' },
    { computed: 'options are for the spawner' },
  ),
  groupOverrides: option(
    groupOverridesValue.optional(),
    'Other settings for servers of members of groups, applied in the order of their names, or a function that gives them.',
    { '10-gpu': { groups: ['gpu'], servers: { memLimit: '16G', environment: { HAS_GPU: '1' } } } },
    { computed: 'none' },
  ),
  startTimeout: option(duration.default(60), 'How long the start of a server may take.', '5m'),
  httpTimeout: option(duration.default(30), 'How long a started server may take until it answers.', '30s'),
  slowSpawnTimeout: option(
    duration.default(10),
    'How long the REST API waits for a start until it answers 202, which says that it goes on.',
    '5s',
  ),
  slowStopTimeout: option(duration.default(10), 'The same for a stop.', '5s'),
  stopTimeout: option(duration.default(10), 'How long a server may take to end before it is killed.', '30s'),
  pollInterval: option(duration.default(30), 'Time between two looks whether a server still runs.', '30s'),
  pollJitter: option(
    z.number().min(0).max(1).default(0.1),
    'By what part of pollInterval a look may come sooner or later, so that not all come at once.',
    0.2,
  ),
  ip: option(
    z
      .string()
      .transform(text => text.replace(/^\[(.*)\]$/, '$1'))
      .optional(),
    'Address that servers listen on; empty for all of the machine.',
    '0.0.0.0',
    { computed: "the spawner's choice, 127.0.0.1 for local()" },
  ),
  port: option(
    z.int().min(0).max(65_535).default(0),
    'Port that servers listen on; 0 for a free one, which several servers on one machine need.',
    8888,
  ),
  hubConnectUrl: option(httpUrl.optional(), 'Where servers reach the hub.', 'http://hub.internal:8081', {
    computed: 'hub.connectUrl',
  }),
  allowNamedServers: option(z.boolean().default(false), 'Users may have several servers with names.', true),
  namedServerLimitPerUser: option(
    z.union([limit, functionOf<OfUser<number>>()]).default(0),
    'How many named servers a user may have, or a function of the user; 0 for any number.',
    3,
  ),
  allowExistingInvalidNamedServers: option(
    z.enum(['allow-start', 'allow-delete', 'autorename']).default('allow-start'),
    'Named servers from before JupyterHub 6 whose names are not allowed any more may be started, may only be stopped and deleted, or are named anew when the hub starts; what a spawner keeps under the old name is not.',
    'allow-delete',
  ),
  defaultServerName: option(
    z.string().default(''),
    'The named server that `/hub/user-redirect/` leads to; empty for the default server.',
    'lab',
  ),
  concurrentSpawnLimit: option(limit.default(100), 'How many servers may be starting at once; 0 for any number.', 20),
  spawnThrottleRetryRange: option(
    z
      .tuple([duration, duration])
      .refine(([from, to]) => from <= to, { error: 'expected the shorter time first' })
      .default([30, 60]),
    'Between which times those are told to try again (Retry-After) for whom too many servers are starting.',
    ['10s', '30s'],
  ),
  activeServerLimit: option(limit.default(0), 'How many servers may run at once; 0 for any number.', 200),
  consecutiveFailureLimit: option(
    limit.default(0),
    'After how many failed starts in a row the hub ends, so that its supervisor starts it anew; 0 for never.',
    5,
  ),
  shutdownOnLogout: option(z.boolean().default(false), 'Signing out stops all servers of that person.', true),
  implicitSpawnSeconds: option(
    duration.default(0),
    'After what time the page of a stopped server starts it by itself; 0 for never.',
    '5s',
  ),
  useLegacyStoppedServerStatusCode: option(
    z.boolean().default(false),
    'Answer requests to stopped servers with 503 instead of 424, for JupyterLab before 3.4.',
    true,
  ),
  memLimit: option(byteSize.optional(), 'Memory of one server, in bytes or with K, M, G or T.', '2G', {
    computed: 'no limit',
  }),
  cpuLimit: option(z.number().positive().optional(), 'Processor cores of one server.', 1.5, { computed: 'no limit' }),
  taskLimit: option(
    z.int().positive().optional(),
    'Processes and threads of one server together, so that a program that forks without end disturbs nobody else.',
    500,
    { computed: 'no limit' },
  ),
  fileSizeLimit: option(byteSize.optional(), 'The largest file that a server may write.', '20G', {
    computed: 'no limit',
  }),
  memGuarantee: option(
    byteSize.optional(),
    'Memory that a server is sure to have, as far as its spawner can see to it.',
    '512M',
    { computed: 'none' },
  ),
  cpuGuarantee: option(
    z.number().positive().optional(),
    'Processor cores that a server is sure to have, as far as its spawner can see to it.',
    0.5,
    { computed: 'none' },
  ),
  tokenScopes: option(
    z.union([z.array(z.string().min(1)), functionOf<OfServer<readonly string[]>>()]).default([]),
    "Scopes of the server's own API token, or a function of user and server name; cut to what the user holds, empty for those of the role `server`.",
    ['users:activity!user', 'access:servers!server', 'read:users!user'],
  ),
  oauthClientAllowedScopes: option(
    z.union([z.array(z.string().min(1)), functionOf<OfServer<readonly string[]>>()]).default([]),
    'What a server may do in the name of people who open it, besides knowing who they are; or a function of user and server name.',
    ['read:users!user'],
  ),
  debug: option(z.boolean().default(false), 'Servers log every detail.', true),
  disableUserConfig: option(z.boolean().default(false), 'Servers ignore Jupyter settings in the home.', true),
})
