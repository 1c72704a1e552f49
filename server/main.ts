// Entry of `npm start` and `npm run dev`.
import './compile-cache.ts'

await import('./start.ts')
