/** JSON Schema as pushguide.types tells it, made ready for a form. */

export interface Schema {
  $ref?: string
  $defs?: Record<string, Schema>
  title?: string
  description?: string
  type?: string
  const?: unknown
  enum?: unknown[]
  default?: unknown
  examples?: unknown[]
  properties?: Record<string, Schema>
  patternProperties?: Record<string, Schema>
  additionalProperties?: boolean | Schema
  required?: string[]
  items?: Schema
  anyOf?: Schema[]
  oneOf?: Schema[]
  minimum?: number
  maximum?: number
  exclusiveMinimum?: number
  pattern?: string
}

export type Path = (string | number)[]

/** What a reference means, with what stands beside it. */
export function resolved(schema: Schema, root: Schema): Schema {
  if (!schema.$ref) return schema
  const name = schema.$ref.split('/').at(-1) ?? ''
  const found = root.$defs?.[name] ?? {}
  const { $ref: _, ...beside } = schema
  return { ...resolved(found, root), ...beside }
}

/** The ways in which a value may be given; null is left out, it means not given. */
export function ways(schema: Schema, root: Schema): Schema[] {
  const one = resolved(schema, root)
  const some = one.oneOf ?? one.anyOf
  if (!some) return [one]
  return some.flatMap((each) => ways(each, root)).filter((each) => each.type !== 'null')
}

/** The word that tells one way from the others, as `kind` does. */
export function nameOf(way: Schema, root: Schema): string {
  const one = resolved(way, root)
  const kind = one.properties?.kind
  if (kind?.const !== undefined) return String(kind.const)
  if (one.type === 'array') return `[${nameOf(one.items ?? {}, root)}]`
  return one.type ?? one.title ?? 'value'
}

/** The way that a value was given in. */
export function wayOf(value: unknown, some: Schema[], root: Schema): number {
  if (value === undefined || value === null) return 0
  const kind = isMapping(value) ? value.kind : undefined
  const found = some.findIndex((way) => {
    const one = resolved(way, root)
    if (Array.isArray(value)) return one.type === 'array'
    if (isMapping(value)) {
      if (one.type !== 'object') return false
      const known = one.properties?.kind
      return known === undefined || known.const === (kind ?? known.default)
    }
    return fits(value, one)
  })
  return Math.max(found, 0)
}

function fits(value: unknown, one: Schema): boolean {
  if (one.type === undefined) return true
  if (one.type === 'integer' || one.type === 'number') return typeof value === 'number'
  return typeof value === one.type
}

export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What a way begins with. */
export function startOf(way: Schema, root: Schema): unknown {
  const one = resolved(way, root)
  if (one.type === 'array') return []
  if (one.type === 'object' || one.properties) {
    const kind = one.properties?.kind
    return kind?.const !== undefined && kind.default === undefined ? { kind: kind.const } : {}
  }
  return undefined
}

/** The problems that pushguide tells of a place: 'template of x:probe:url: ...'. */
export function problemsAt(problems: string[], path: Path): string[] {
  const place = `:${path.join(':')}: `
  return problems.filter((one) => one.includes(place))
}
