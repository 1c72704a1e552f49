// Says that something could not be loaded, and why, with a button to try again.
import { Alert, Button } from '@mantine/core'
import { messageOf } from '../remote/request.ts'

export interface LoadFailureProps {
  /** What could not be loaded, as a sentence. */
  readonly title: string
  readonly query: {
    readonly error: unknown
    readonly isFetching: boolean
    readonly refetch: () => void
  }
}

export function LoadFailure({ title, query }: LoadFailureProps) {
  return (
    <Alert color="red" role="alert" mb="sm" title={title}>
      {messageOf(query.error)}{' '}
      <Button
        size="compact-sm"
        variant="default"
        onClick={() => query.refetch()}
        loading={query.isFetching}
      >
        Try again
      </Button>
    </Alert>
  )
}
