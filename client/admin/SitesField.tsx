// Which sites may embed: all of those that somebody else says, or only these.
import { Radio, Stack, Textarea } from '@mantine/core'
import type { SitesEntry } from './site-lists.ts'

export interface SitesFieldProps {
  readonly label: string
  /** What it means when nobody is singled out. */
  readonly allLabel: string
  readonly entry: SitesEntry
  readonly fault: string | undefined
  readonly onChange: (entry: SitesEntry) => void
}

export function SitesField({ label, allLabel, entry, fault, onChange }: SitesFieldProps) {
  return (
    <Stack gap="xs">
      <Radio.Group
        label={label}
        value={entry.all ? 'all' : 'these'}
        onChange={(value) => onChange({ ...entry, all: value === 'all' })}
      >
        <Stack gap={8} mt={6}>
          <Radio value="all" label={allLabel} />
          <Radio value="these" label="Only these" />
        </Stack>
      </Radio.Group>
      {!entry.all && (
        <Textarea
          label="Sites, one a line"
          description="Left empty, no site may."
          placeholder="https://www.example.org"
          autoComplete="off"
          spellCheck={false}
          rows={3}
          value={entry.lines}
          error={fault}
          onChange={(event) => onChange({ ...entry, lines: event.currentTarget.value })}
        />
      )}
    </Stack>
  )
}
