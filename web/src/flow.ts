/** Places in the flow of a deployment. */

/** A stage, of one batch or of all hosts. */
export interface Place {
  stage: string
  batch: number | null
}

/** How the hosts of a place stand. */
export interface Cell extends Place {
  outcome: string
  /** How many hosts have which outcome, of those that have begun. */
  counts: [string, number][]
  done: number
  total: number
  seconds: number
}
