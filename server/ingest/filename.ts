// Names of files as users send them, made safe: one path segment, one URL segment, `info.name` of a
// torrent (BEP 3) that any client can save on any system. What a person would want to read stays:
// letters of any script, emoji, spaces. Pure.

/** UTF-8 bytes of a name with its extension; file systems allow 255, clients add suffixes. */
const MAX_BYTES = 200
/** UTF-16 units looked at; what is beyond could not be kept anyway. */
const MAX_INPUT = 4096

/** Names that Windows keeps for devices, whatever their extension. */
const RESERVED = /^(con|prn|aux|nul|conin\$|conout\$|clock\$|com[0-9¹²³]|lpt[0-9¹²³])$/iu

/** Controls (C0, C1, DEL), line and paragraph separators: become a space. */
const CONTROLS = /[\p{Cc}\p{Zl}\p{Zp}]/gu
/**
 * Characters that show nothing and can disguise a name (bidi controls, zero width space, BOM, tags,
 * interlinear annotation) and private use: dropped. The zero width joiners stay, emoji and Indic and
 * Persian scripts need them.
 */
const INVISIBLE = /[[\p{Cf}\p{Co}]--[\u200c\u200d]]/gv
/** Separators of paths, and what Windows or shells give a meaning. */
const FORBIDDEN = /[/\\:*?"<>|]/gu

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

/**
 * @param raw name as sent, any text at all
 * @param extensions those that fit the bytes, without a dot, lower case, the usual one first. The
 *   name keeps its own when it is among them and gets the first otherwise
 * @returns a name in NFC of at most 200 UTF-8 bytes, never empty
 */
export function safeFilename(
  raw: string | undefined,
  extensions: readonly [string, ...string[]],
): string {
  const line = readableLine(lastSegment((raw ?? '').slice(0, MAX_INPUT)))
  const name = line.replaceAll(FORBIDDEN, '_')
  const [stem, given] = splitExtension(name)
  const extension = given !== null && extensions.includes(given) ? given : extensions[0]
  // Other extensions of media and documents are replaced, `3.14 lecture` is not an extension.
  const kept = given === null || REPLACED.has(given) || extension === given ? stem : name
  const short = shortened(trimmed(kept), MAX_BYTES - extension.length - 1)
  const safe = trimmed(short) || 'untitled'
  return `${RESERVED.test(safe.split('.')[0] ?? '') ? `_${safe}` : safe}.${extension}`
}

/**
 * @param filename a safe file name
 * @returns what to call a title when nobody gave it one: the name without its extension
 */
export function defaultTitle(filename: string): string {
  const [stem] = splitExtension(filename)
  // `my_holiday_2024` reads better with spaces; a name that has spaces meant its underscores.
  return stem.includes(' ') ? stem : stem.replaceAll(/_+/g, ' ').trim() || stem
}

/** @returns any text as one line in NFC, without what shows nothing or reorders its surroundings */
export function readableLine(text: string): string {
  return text
    .toWellFormed() // lone surrogates become U+FFFD
    .replaceAll('\ufffd', '')
    .replaceAll(CONTROLS, ' ')
    .replaceAll(INVISIBLE, '')
    .replaceAll(/\s+/gu, ' ')
    .normalize('NFC')
}

/** Extensions that say what a file is; a wrong one is replaced rather than kept as part of the name. */
const REPLACED = new Set(
  (
    '3gp aac adts aif aiff avi bin dat divx exe flac flv gif gz htm html jpeg jpg js json m2ts m3u8 m4a ' +
    'm4b m4v mka mkv mov mp3 mp4 mpeg mpg mts oga ogg ogv ogx opus pdf php png qt svg tar ts txt wav ' +
    'wave weba webm webp wma wmv xml zip'
  ).split(' '),
)

/** Drops folders that some browsers and programs send along. */
function lastSegment(text: string): string {
  return text.split(/[/\\]/).findLast((segment) => /[^\s.]/.test(segment)) ?? ''
}

/** Leading dots hide a file; Windows drops trailing dots and spaces. Joiners at the ends join nothing. */
function trimmed(text: string): string {
  return text.replace(/^[\s.\u200c\u200d]+/u, '').replace(/[\s.\u200c\u200d]+$/u, '')
}

/** @returns the part before the last dot, and what follows it in lower case, or `null`. */
function splitExtension(name: string): [stem: string, extension: string | null] {
  const match = /^(.*?)[.\s]*\.([a-z0-9]{1,5})[.\s]*$/isu.exec(name)
  return match === null ? [name, null] : [match[1] ?? '', (match[2] ?? '').toLowerCase()]
}

/** Cuts between what a reader sees as characters, so that no emoji or accent is torn. */
function shortened(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text
  let bytes = 0
  let end = 0
  for (const { segment, index } of graphemes.segment(text)) {
    bytes += Buffer.byteLength(segment)
    if (bytes > maxBytes) break
    end = index + segment.length
  }
  return text.slice(0, end)
}
