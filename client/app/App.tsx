// The frame around every page: skip link, header, the page itself, and what is shown when a page's
// code does not arrive or throws.
import {
  ActionIcon,
  Button,
  Group,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core'
import { IconMoon, IconSun } from '@tabler/icons-react'
import { Component, lazy, type ReactNode, Suspense, useEffect, useRef } from 'react'
import { Link, NavLink, Route, Routes, useHref, useLocation } from 'react-router'
import { ownPath } from '../remote/own-address.ts'
import { messageOf } from '../remote/request.ts'
import { NotFoundPage, Notice } from './Notice.tsx'
import { loadAdminPage, loadCataloguePage, loadWatchPage } from './pages.ts'

const CataloguePage = lazy(() => loadCataloguePage().then((m) => ({ default: m.CataloguePage })))
const WatchPage = lazy(() => loadWatchPage().then((m) => ({ default: m.WatchPage })))
const AdminPage = lazy(() => loadAdminPage().then((m) => ({ default: m.AdminPage })))

export function App() {
  const { pathname, search } = useLocation()
  // Whole: `#main` alone would be of the page that <base> names.
  const content = useHref({ pathname, search, hash: '#main' })
  const main = useRef<HTMLElement>(null)
  const shown = useRef(pathname)
  // A page change inside the app is said to screen readers as a real one would be.
  useEffect(() => {
    if (shown.current === pathname) return
    shown.current = pathname
    window.scrollTo(0, 0)
    main.current?.focus({ preventScroll: true })
  }, [pathname])

  return (
    <>
      <a className="skip-link" href={content}>
        Skip to the content
      </a>
      <Header />
      <main id="main" className="page" ref={main} tabIndex={-1}>
        <PageBoundary key={pathname}>
          <Suspense fallback={null}>
            <Routes>
              <Route path="/" element={<CataloguePage />} />
              <Route path="/watch/:id" element={<WatchPage />} />
              <Route path="/admin" element={<AdminPage />} />
              <Route path="*" element={<NotFoundPage what="page" />} />
            </Routes>
          </Suspense>
        </PageBoundary>
      </main>
    </>
  )
}

function Header() {
  return (
    <header className="header">
      <div className="header-inner">
        <Link className="brand" to="/">
          <img src={ownPath('/favicon.svg')} alt="" width={28} height={28} />
          <span className="brand-name">Slipstream</span>
        </Link>
        <Group component="nav" aria-label="Main" gap={4} wrap="nowrap">
          <NavLink className="nav-link" to="/" end>
            Catalogue
          </NavLink>
          <NavLink className="nav-link" to="/admin">
            Admin
          </NavLink>
          <ColorSchemeToggle />
        </Group>
      </div>
    </header>
  )
}

function ColorSchemeToggle() {
  const { setColorScheme } = useMantineColorScheme()
  const dark = useComputedColorScheme('light', { getInitialValueInEffect: false }) === 'dark'
  const label = dark ? 'Switch to light colours' : 'Switch to dark colours'
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      size="lg"
      aria-label={label}
      title={label}
      onClick={() => setColorScheme(dark ? 'light' : 'dark')}
    >
      {dark ? <IconSun size={20} /> : <IconMoon size={20} />}
    </ActionIcon>
  )
}

/** Shows what a page threw, and a way out, in place of an empty window. */
class PageBoundary extends Component<{ children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: null }

  static getDerivedStateFromError(error: unknown) {
    return { error }
  }

  override render() {
    const { error } = this.state
    if (error === null) return this.props.children
    return (
      <Notice
        alert
        title="This page could not be shown"
        text={`Reload it, perhaps the connection was lost for a moment. (${messageOf(error)})`}
      >
        <Button onClick={() => location.reload()}>Reload</Button>
      </Notice>
    )
  }
}
