import { ApiError } from '../../api/client.ts'
import { Icon } from './icon.tsx'

/** What went wrong and what can be done. */
export function ErrorNotice({ error, retry }: { error: unknown; retry?: () => void }) {
  const { message, nextStep, code } = error instanceof ApiError ? error : wrap(error)
  const isOver = code === 'not_signed_in' || code.startsWith('xsrf')
  return (
    <div className="notice notice-error" role="alert">
      <Icon name="failed" />
      <div>
        <p>{message}</p>
        {nextStep && <p className="muted">{nextStep}</p>}
        {isOver ? (
          <button type="button" className="button button-small" onClick={() => location.reload()}>
            Load again
          </button>
        ) : (
          retry && (
            <button type="button" className="button button-small" onClick={retry}>
              Try again
            </button>
          )
        )}
      </div>
    </div>
  )
}

function wrap(error: unknown): ApiError {
  return new ApiError(0, '', error instanceof Error ? error.message : String(error))
}
