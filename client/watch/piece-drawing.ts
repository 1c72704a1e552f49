// Draws pieces. Each state has a pattern or a height of its own beside its colour, so that the
// picture is read without telling colours apart; legend and bar are drawn by the same code.
import { PIECE } from '../playback/piece-states.ts'
import type { PieceRun } from './piece-runs.ts'

/** Heights in CSS pixels: the lane that says where a piece is from, a gap, the lane of the shared. */
const SOURCE_LANE = 14
const GAP = 2
const SHARED_LANE = 4
export const PICTURE_HEIGHT = SOURCE_LANE + GAP + SHARED_LANE
/** Of the lane; a piece that is under way stands lower than one that is there. */
const ARRIVING_HEIGHT = 0.4
/** Side of the square that a pattern repeats, CSS pixels. */
const TILE = 6

/** Fits the canvas to its place and draws the runs over its whole width. */
export function drawPieces(canvas: HTMLCanvasElement, runs: readonly PieceRun[]): void {
  const scale = window.devicePixelRatio || 1
  resize(
    canvas,
    Math.max(1, Math.round(canvas.clientWidth * scale)),
    Math.round(PICTURE_HEIGHT * scale),
  )
  const context = canvas.getContext('2d')
  if (context === null) return // out of graphics memory: the text says it as well
  const style = getComputedStyle(canvas)
  const colour = (name: string): string => style.getPropertyValue(`--piece-${name}`).trim()
  const lane = SOURCE_LANE * scale
  const sharedTop = (SOURCE_LANE + GAP) * scale
  context.clearRect(0, 0, canvas.width, canvas.height)
  context.fillStyle = colour('track')
  context.fillRect(0, 0, canvas.width, lane)
  const fills = new Map<number, string | CanvasPattern>([
    [PIECE.arriving, colour('arriving')],
    [PIECE.peers, colour('peers')],
    [PIECE.server, pattern(context, scale, colour('server'), 'stripes')],
    [PIECE.stored, pattern(context, scale, colour('stored'), 'dots')],
  ])
  const total = runs.at(-1)?.end ?? 1
  for (const { first, end, state, shared } of runs) {
    // On whole pixels, so that neighbours leave no seam and a single piece of many is still seen.
    const left = Math.floor((first / total) * canvas.width)
    const width = Math.ceil((end / total) * canvas.width) - left
    const fill = fills.get(state)
    if (fill !== undefined) {
      const height = state === PIECE.arriving ? lane * ARRIVING_HEIGHT : lane
      context.fillStyle = fill
      context.fillRect(left, lane - height, width, height)
    }
    if (!shared) continue
    context.fillStyle = colour('shared')
    context.fillRect(left, sharedTop, width, SHARED_LANE * scale)
  }
}

/** To set a size is to allocate anew, even when it is the same. */
function resize(canvas: HTMLCanvasElement, width: number, height: number): void {
  if (canvas.width !== width) canvas.width = width
  if (canvas.height !== height) canvas.height = height
}

const STROKES = { stripes, dots }
type Stroke = keyof typeof STROKES

/** By stroke, side and colour: to draw them each time is most of the work. */
const tiles = new Map<string, HTMLCanvasElement>()

/** @returns a repeated tile: the stroke in full colour on a thin ground of it */
function pattern(
  target: CanvasRenderingContext2D,
  scale: number,
  colour: string,
  stroke: Stroke,
): CanvasPattern | string {
  const side = Math.round(TILE * scale)
  target.fillStyle = colour // and so what a system colour is at present
  const key = `${stroke} ${side} ${target.fillStyle}`
  const tile = tiles.get(key) ?? makeTile(side, colour, stroke)
  if (tile === null) return colour
  tiles.set(key, tile)
  return target.createPattern(tile, 'repeat') ?? colour
}

function makeTile(side: number, colour: string, stroke: Stroke): HTMLCanvasElement | null {
  const tile = document.createElement('canvas')
  tile.width = side
  tile.height = side
  const context = tile.getContext('2d')
  if (context === null) return null
  context.fillStyle = colour
  context.strokeStyle = colour
  context.globalAlpha = 0.35
  context.fillRect(0, 0, side, side)
  context.globalAlpha = 1
  STROKES[stroke](context, side)
  return tile
}

function stripes(context: CanvasRenderingContext2D, side: number): void {
  context.lineWidth = side / 3
  for (const shift of [-side, 0, side]) {
    context.beginPath()
    context.moveTo(shift - side * 0.25, side * 1.25)
    context.lineTo(shift + side * 1.25, -side * 0.25)
    context.stroke()
  }
}

function dots(context: CanvasRenderingContext2D, side: number): void {
  context.fillRect(side / 4, side / 4, side / 2, side / 2)
}
