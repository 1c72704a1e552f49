// What an administrator sets for the whole site.
import { queryOptions } from '@tanstack/react-query'
import { type Settings, settingsSchema } from '#protocol/settings.ts'
import { requestJson } from './request.ts'

export const settingsQuery = queryOptions({
  queryKey: ['settings'],
  queryFn: ({ signal }) => requestJson('/api/settings', settingsSchema, { signal }),
})

export function saveSettings(settings: Settings): Promise<Settings> {
  return requestJson('/api/settings', settingsSchema, { method: 'PUT', body: settings })
}
