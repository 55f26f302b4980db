/** The admin page: a program in the frame that the hub renders at `/hub/admin`. */
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { createRoot } from 'react-dom/client'
import { ApiError } from '../api/client.ts'
import './admin.css'
import { App } from './app.tsx'

const MOST_TRIES = 3

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // A refusal stays one; a hub that restarts is there again in a moment.
      retry: (tries, error) =>
        tries < MOST_TRIES && (!(error instanceof ApiError) || [0, 502, 503].includes(error.status)),
    },
  },
})

createRoot(document.getElementById('admin')!).render(
  <QueryClientProvider client={client}>
    <App />
  </QueryClientProvider>,
)
