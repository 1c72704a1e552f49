// Draws origin copies against viewers as an SVG that stands by itself: both axes logarithmic, one
// line for each arrival pattern, its bound dashed, plain HTTP dotted. Readable in light and dark.
import type { Finding } from './report.ts'
import { ARRIVALS, type Arrivals, FILM } from './scenario.ts'

const WIDTH = 790
const HEIGHT = 470
const LEFT = 64
const RIGHT = 600
const TOP = 56
const BOTTOM = 410

const LABELS: Readonly<Record<Arrivals, string>> = {
  together: 'all within 1 s',
  staggered: 'evenly over 5 min',
  poisson: 'at random over 5 min',
}

const STYLE = `
  svg { font: 13px system-ui, sans-serif }
  .back { fill: #ffffff } .text { fill: #1f2328 } .faint { fill: #59636e }
  .grid { stroke: #d1d9e0 } .plain { stroke: #59636e } .plain-mark { fill: #59636e }
  .together { stroke: #0a5fd6 } .together-mark { fill: #0a5fd6 }
  .staggered { stroke: #b34700 } .staggered-mark { fill: #b34700 }
  .poisson { stroke: #1a7f37 } .poisson-mark { fill: #1a7f37 }
  @media (prefers-color-scheme: dark) {
    .back { fill: #0d1117 } .text { fill: #f0f6fc } .faint { fill: #9198a1 }
    .grid { stroke: #30363d } .plain { stroke: #9198a1 } .plain-mark { fill: #9198a1 }
    .together { stroke: #6cb0ff } .together-mark { fill: #6cb0ff }
    .staggered { stroke: #ff9a52 } .staggered-mark { fill: #ff9a52 }
    .poisson { stroke: #4ac26b } .poisson-mark { fill: #4ac26b }
  }`

interface Point {
  readonly x: number
  readonly y: number
}

/** @param findings those of the long film are drawn, in the order of their viewers */
export function drawPlot(findings: readonly Finding[]): string {
  const drawn = findings.filter(({ case: { clip } }) => clip.seconds === FILM.seconds)
  const sizes = [...new Set(drawn.map(({ case: { viewers } }) => viewers))]
  const most = Math.max(10, ...drawn.map(({ outcome }) => outcome.plainCopies))
  const toX = scaleOf(Math.min(...sizes), Math.max(...sizes), LEFT + 20, RIGHT - 20)
  const toY = scaleOf(1, 10 ** Math.ceil(Math.log10(most)), BOTTOM, TOP)
  const pointsOf = (arrivals: Arrivals, copies: (finding: Finding) => number): Point[] =>
    drawn
      .filter((finding) => finding.case.arrivals === arrivals)
      .map((finding) => ({ x: toX(finding.case.viewers), y: toY(Math.max(1, copies(finding))) }))
  const plain = pointsOf('together', ({ outcome }) => outcome.plainCopies)
  const summary = drawn
    .map(({ case: { viewers, arrivals }, outcome }) => {
      const { originCopies, bound } = outcome
      return `${viewers} ${arrivals}: ${originCopies.toFixed(2)} copies, bound ${bound.toFixed(2)}`
    })
    .join('; ')
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="title summary">
<title id="title">Origin copies against viewers, simulated</title>
<desc id="summary">${summary}</desc>
<style>${STYLE}
</style>
<rect class="back" width="${WIDTH}" height="${HEIGHT}"/>
<text class="text" x="${LEFT}" y="28" font-size="16" font-weight="600">What a crowd costs the origin</text>
${sizes.map((size) => xTick(toX(size), size)).join('\n')}
${decadesUpTo(most)
  .map((copies) => yTick(toY(copies), copies))
  .join('\n')}
<text class="faint" x="${(LEFT + RIGHT) / 2}" y="${BOTTOM + 44}" text-anchor="middle">viewers</text>
<text class="faint" transform="translate(18 ${(TOP + BOTTOM) / 2}) rotate(-90)" text-anchor="middle">origin copies</text>
${line('plain', plain, '1 5')}
${ARRIVALS.map((arrivals) => lines(arrivals, pointsOf)).join('\n')}
${legend()}
</svg>
`
}

function lines(
  arrivals: Arrivals,
  pointsOf: (arrivals: Arrivals, copies: (finding: Finding) => number) => Point[],
): string {
  const measured = pointsOf(arrivals, ({ outcome }) => outcome.originCopies)
  const bound = pointsOf(arrivals, ({ outcome }) => outcome.bound)
  const marks = measured.map(({ x, y }) => mark(arrivals, x, y))
  return [line(arrivals, bound, '6 5', 1.5), line(arrivals, measured), ...marks].join('\n')
}

function scaleOf(from: number, to: number, start: number, end: number) {
  const span = Math.log(to / from) || 1
  return (value: number): number => start + ((end - start) * Math.log(value / from)) / span
}

function decadesUpTo(most: number): number[] {
  return Array.from({ length: Math.ceil(Math.log10(most)) + 1 }, (_, i) => 10 ** i)
}

function line(name: string, points: readonly Point[], dashes = 'none', width = 2.5): string {
  const path = points.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ')
  return `<polyline class="${name}" points="${path}" fill="none" stroke-width="${width}" stroke-dasharray="${dashes}" stroke-linecap="round"/>`
}

/** A shape of its own for each, for those who do not tell the colours apart. */
function mark(arrivals: Arrivals, x: number, y: number): string {
  const at = `class="${arrivals}-mark" transform="translate(${x.toFixed(1)} ${y.toFixed(1)})"`
  if (arrivals === 'together') return `<circle ${at} r="5"/>`
  if (arrivals === 'staggered') return `<rect ${at} x="-4.5" y="-4.5" width="9" height="9"/>`
  return `<path ${at} d="M0-6 6 5H-6z"/>`
}

function xTick(x: number, viewers: number): string {
  return `<line class="grid" x1="${x}" x2="${x}" y1="${TOP}" y2="${BOTTOM}"/><text class="text" x="${x}" y="${BOTTOM + 20}" text-anchor="middle">${viewers.toLocaleString('en')}</text>`
}

function yTick(y: number, copies: number): string {
  return `<line class="grid" x1="${LEFT}" x2="${RIGHT}" y1="${y}" y2="${y}"/><text class="text" x="${LEFT - 8}" y="${y + 4}" text-anchor="end">${copies.toLocaleString('en')}</text>`
}

function legend(): string {
  const x = RIGHT + 14
  const rows = ARRIVALS.map((arrivals, i) => {
    const y = TOP + 12 + 24 * i
    return `${line(arrivals, [
      { x, y },
      { x: x + 24, y },
    ])}${mark(arrivals, x + 12, y)}${label(x, y, LABELS[arrivals])}`
  })
  const bound = TOP + 12 + 24 * 3
  const ends = (y: number): Point[] => [
    { x, y },
    { x: x + 24, y },
  ]
  return [
    ...rows,
    line('plain', ends(bound), '6 5', 1.5) + label(x, bound, 'the bound'),
    line('plain', ends(bound + 24), '1 5') + label(x, bound + 24, 'plain HTTP'),
  ].join('\n')
}

function label(x: number, y: number, text: string): string {
  return `<text class="text" x="${x + 32}" y="${y + 4}" font-size="11">${text}</text>`
}
