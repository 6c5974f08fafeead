/** Days and moments as people pick them, and as pushguide is asked: by moments, in the zone of this browser. */

/** What a field says, as a moment; nothing for nothing. */
export function momentOf(local: string): string {
  return local ? new Date(local).toISOString() : ''
}

/** When a day begins. */
export function startOf(day: string): string {
  return momentOf(day && `${day}T00:00`)
}

/** When a day is over; nothing for one that is not yet: then everything is meant. */
export function endOf(day: string): string {
  if (!day) return ''
  const end = new Date(`${day}T00:00`)
  end.setDate(end.getDate() + 1)
  return end.getTime() > Date.now() ? '' : end.toISOString()
}
