// Puts the interface of all pages but the embedded player into the document.
import './styles.ts'
import { MantineProvider } from '@mantine/core'
import { MutationCache, QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { createRoot } from 'react-dom/client'
import { BrowserRouter } from 'react-router'
import { mediaQuery } from '../remote/media.ts'
import { basePath } from '../remote/own-address.ts'
import { ApiError } from '../remote/request.ts'
import { sessionQuery } from '../remote/session.ts'
import { App } from './App.tsx'
import { getBoot } from './boot.ts'
import { colorSchemeManager, theme } from './theme.ts'

function createQueryClient(): QueryClient {
  const queryClient: QueryClient = new QueryClient({
    defaultOptions: {
      queries: {
        // What the server refuses it refuses again; what did not arrive is worth a second try.
        retry: (failures, error) =>
          failures < 2 && error instanceof ApiError && (error.status === 0 || error.status >= 502),
        refetchOnWindowFocus: false,
      },
    },
    mutationCache: new MutationCache({
      onError: (error) => {
        const signedOut = error instanceof ApiError && error.code === 'not_signed_in'
        if (signedOut) void queryClient.invalidateQueries({ queryKey: sessionQuery.queryKey })
      },
    }),
  })
  return queryClient
}

export function mountApp(root: HTMLElement): void {
  const queryClient = createQueryClient()
  const { media } = getBoot()
  if (media !== null) queryClient.setQueryData(mediaQuery(media.id, queryClient).queryKey, media)
  createRoot(root).render(
    <MantineProvider
      theme={theme}
      colorSchemeManager={colorSchemeManager}
      defaultColorScheme="auto"
    >
      <QueryClientProvider client={queryClient}>
        <BrowserRouter basename={basePath() || '/'}>
          <App />
        </BrowserRouter>
      </QueryClientProvider>
    </MantineProvider>,
  )
}
