// What went wrong with the last thing that was tried, said to eyes and ears; nothing when it did not.
import { Alert } from '@mantine/core'
import { messageOf } from '../remote/request.ts'

export function Failure({ error }: { readonly error: unknown }) {
  if (error === null) return null
  return (
    <Alert color="red" role="alert">
      {messageOf(error)}
    </Alert>
  )
}
