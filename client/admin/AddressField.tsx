// A field for a URL, with what is wrong with it.
import { TextInput, type TextInputProps } from '@mantine/core'

export interface AddressFieldProps
  extends Pick<TextInputProps, 'ref' | 'label' | 'description' | 'placeholder' | 'maxLength'> {
  readonly value: string
  readonly fault: string | undefined
  readonly onChange: (value: string) => void
}

export function AddressField({ fault, onChange, ...props }: AddressFieldProps) {
  return (
    <TextInput
      {...props}
      type="url"
      inputMode="url"
      autoComplete="off"
      spellCheck={false}
      error={fault}
      errorProps={{ role: 'alert' }}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  )
}
