// Sign-in, and set-up of the first account.
import { Alert, Button, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, type ReactNode, useState } from 'react'
import { useNavigate } from 'react-router'
import * as v from 'valibot'
import { credentialsSchema, setupSchema } from '#protocol/accounts.ts'
import { type Credentials, sessionQuery, setUp, signIn } from '../remote/session.ts'
import { Failure } from './Failure.tsx'

export function SignInForm({ staleSetupLink }: { readonly staleSetupLink: boolean }) {
  const queryClient = useQueryClient()
  const enter = useMutation({
    mutationFn: signIn,
    onSuccess: (session) => queryClient.setQueryData(sessionQuery.queryKey, session),
  })
  return (
    <AccountForm
      title="Sign in"
      action="Sign in"
      passwordAutoComplete="current-password"
      schema={credentialsSchema}
      pending={enter.isPending}
      error={enter.error}
      onSubmit={enter.mutate}
    >
      {staleSetupLink && (
        <Alert color="yellow" title="This set-up link has been used">
          The first account exists already. Sign in with it.
        </Alert>
      )}
    </AccountForm>
  )
}

export function SetupForm({ token }: { readonly token: string }) {
  const queryClient = useQueryClient()
  const navigate = useNavigate()
  const create = useMutation({
    mutationFn: (credentials: Credentials) => setUp({ ...credentials, token }),
    onSuccess: (session) => {
      // The token is spent; it need not stay in the address.
      void navigate({ hash: '' }, { replace: true })
      queryClient.setQueryData(sessionQuery.queryKey, session)
    },
  })
  return (
    <AccountForm
      title="Create the first account"
      action="Create account"
      passwordAutoComplete="new-password"
      passwordHint="At least 8 characters; a few words are better than a short riddle."
      schema={v.omit(setupSchema, ['token'])}
      pending={create.isPending}
      error={create.error}
      onSubmit={create.mutate}
    >
      <Text c="dimmed" size="sm">
        With this account you upload and manage titles. The e-mail address only serves as its name:
        nothing is sent to it.
      </Text>
    </AccountForm>
  )
}

interface AccountFormProps {
  readonly title: string
  readonly action: string
  readonly passwordAutoComplete: string
  readonly passwordHint?: string
  readonly schema: v.GenericSchema<Credentials, Credentials>
  readonly pending: boolean
  readonly error: unknown
  readonly onSubmit: (credentials: Credentials) => void
  readonly children?: ReactNode
}

type FieldErrors = Partial<Record<keyof Credentials, string>>

function AccountForm(props: AccountFormProps) {
  const [faults, setFaults] = useState<FieldErrors>({})
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = event.currentTarget
    const data = new FormData(form)
    const result = v.safeParse(props.schema, {
      email: data.get('email'),
      password: data.get('password'),
    })
    if (result.success) {
      setFaults({})
      props.onSubmit(result.output)
      return
    }
    const found = v.flatten(result.issues).nested as
      | Partial<Record<keyof Credentials, string[]>>
      | undefined
    const email = found?.email?.[0]
    const password = found?.password?.[0]
    setFaults({
      ...(email === undefined ? {} : { email: `This ${email}.` }),
      ...(password === undefined ? {} : { password: `The password ${password}.` }),
    })
    const wrong = form.elements.namedItem(email === undefined ? 'password' : 'email')
    if (wrong instanceof HTMLElement) wrong.focus()
  }

  return (
    <section className="card account-form">
      <Title order={1} size="h3" mb="md">
        {props.title}
      </Title>
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          {props.children}
          <TextInput
            label="E-mail address"
            name="email"
            type="email"
            autoComplete="username"
            required
            withAsterisk={false}
            error={faults.email}
          />
          <PasswordInput
            label="Password"
            name="password"
            autoComplete={props.passwordAutoComplete}
            description={props.passwordHint}
            required
            withAsterisk={false}
            error={faults.password}
          />
          <Failure error={props.error} />
          <Button type="submit" loading={props.pending} fullWidth>
            {props.action}
          </Button>
        </Stack>
      </form>
    </section>
  )
}
