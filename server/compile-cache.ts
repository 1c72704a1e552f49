// Compiled code is kept between starts: that saves a third of the server's start and 20 MB, and half of
// a thread's, because the TypeScript stripper is not loaded. To be imported before anything else;
// threads and child processes find the folder in their environment.
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'

process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, '../node_modules/.cache/node')
enableCompileCache(process.env['NODE_COMPILE_CACHE'])
