/**
 * The `handler` label of `request_duration_seconds`. Dashboards leave some of JupyterHub's handlers out by name (event
 * streams, the metrics themselves), so its class names stay where there is a counterpart; elsewhere it is our route.
 */
export function handlerLabel(route: string | undefined, baseUrl: string): string {
  if (route === undefined) return 'jupyterhub.handlers.base.Template404'
  const path = route.startsWith(baseUrl) ? `/${route.slice(baseUrl.length)}` : route
  const label = known.get(path) ?? LABELS.find(([pattern]) => pattern.test(path))?.[1] ?? path
  known.set(path, label)
  return label
}

/** By path of a route, of which there are as many as the program declares. */
const known = new Map<string, string>()

const API = 'jupyterhub.apihandlers'
const PAGES = 'jupyterhub.handlers'

const LABELS: readonly (readonly [RegExp, string])[] = [
  [/^\/hub\/api\/?$/, `${API}.hub.RootAPIHandler`],
  [/^\/hub\/api\/info$/, `${API}.hub.InfoAPIHandler`],
  [/^\/hub\/api\/shutdown$/, `${API}.hub.ShutdownAPIHandler`],
  [/^\/hub\/api\/proxy$/, `${API}.proxy.ProxyAPIHandler`],
  [/^\/hub\/api\/oauth2\/authorize$/, `${API}.auth.OAuthAuthorizeHandler`],
  [/^\/hub\/api\/oauth2\/token$/, `${API}.auth.OAuthTokenHandler`],
  [/^\/hub\/api\/user$/, `${API}.users.SelfAPIHandler`],
  [/^\/hub\/api\/users$/, `${API}.users.UserListAPIHandler`],
  [/^\/hub\/api\/users\/:[^/]+$/, `${API}.users.UserAPIHandler`],
  [/^\/hub\/api\/users\/.+\/progress$/, `${API}.users.SpawnProgressAPIHandler`],
  [/^\/hub\/api\/users\/:[^/]+\/servers?(\/|$)/, `${API}.users.UserServerAPIHandler`],
  [/^\/hub\/api\/users\/:[^/]+\/tokens$/, `${API}.users.UserTokenListAPIHandler`],
  [/^\/hub\/api\/users\/:[^/]+\/tokens\//, `${API}.users.UserTokenAPIHandler`],
  [/^\/hub\/api\/users\/:[^/]+\/activity$/, `${API}.users.ActivityAPIHandler`],
  [/^\/hub\/api\/groups$/, `${API}.groups.GroupListAPIHandler`],
  [/^\/hub\/api\/groups\/:[^/]+$/, `${API}.groups.GroupAPIHandler`],
  [/^\/hub\/api\/groups\/:[^/]+\/users$/, `${API}.groups.GroupUsersAPIHandler`],
  [/^\/hub\/api\/groups\/:[^/]+\/properties$/, `${API}.groups.GroupPropertiesAPIHandler`],
  [/^\/hub\/api\/services$/, `${API}.services.ServiceListAPIHandler`],
  [/^\/hub\/api\/services\/:[^/]+$/, `${API}.services.ServiceAPIHandler`],
  [/^\/hub\/(api\/)?health$/, `${PAGES}.pages.HealthCheckHandler`],
  [/^\/hub\/(api\/)?metrics$/, `${PAGES}.metrics.MetricsHandler`],
  [/^\/hub\/?$/, `${PAGES}.pages.RootHandler`],
  [/^\/hub\/home$/, `${PAGES}.pages.HomeHandler`],
  [/^\/hub\/login$/, `${PAGES}.login.LoginHandler`],
  [/^\/hub\/logout$/, `${PAGES}.login.LogoutHandler`],
  [/^\/hub\/spawn(\/|$)/, `${PAGES}.pages.SpawnHandler`],
  [/^\/hub\/spawn-pending\//, `${PAGES}.pages.SpawnPendingHandler`],
  [/^\/hub\/token$/, `${PAGES}.pages.TokenPageHandler`],
  [/^\/hub\/error\//, `${PAGES}.pages.ProxyErrorHandler`],
  [/^\/hub\/user\//, `${PAGES}.base.UserUrlHandler`],
  [/^\/hub\/static\//, `${PAGES}.static.CacheControlStaticFilesHandler`],
]
