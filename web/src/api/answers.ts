/** What pushguide's runner answers; docs/deployments.md and docs/salt-api.md tell of each. */

export type State = (typeof STATES)[number]
export type Kind = (typeof KINDS)[number]
export type Role = 'viewer' | 'deployer' | 'maintainer' | 'admin'
export const KINDS = ['deploy', 'rollback', 'redeploy'] as const
export const STAGES = ['prepare', 'pre_release', 'release', 'post_release'] as const
export const TERMINAL: readonly State[] = ['succeeded', 'failed', 'rolled_back', 'aborted']
export const STATES = [
  'pending_approval',
  'scheduled',
  'queued',
  'running',
  'paused',
  'succeeded',
  'failed',
  'rolled_back',
  'aborted',
] as const

export interface DeploymentBrief {
  deployment: number
  module: string
  environment: string
  kind: Kind
  version: string
  state: State
  reason: string | null
  requested_by: string
  cause: string | null
  cause_id: number | null
  created_at: string
  start_at: string | null
  started_at: string | null
  finished_at: string | null
  seconds: number | null
}

export interface Step {
  name: string
  outcome: string
  seconds: number
  detail: string | null
}

export interface Stage {
  outcome: string
  started_at: string
  seconds: number
  steps: Step[]
}

export interface DeploymentHost {
  outcome: string
  error: string | null
  batch: number
  version_before: string | null
  version_after: string | null
  stages: Record<string, Stage>
}

export interface Request {
  what: string
  requested_by: string
  requested_at: string
  reason: string | null
  done: boolean
}

export interface Advice {
  what: string
  level: string
  text: string
}

export interface Deployment extends DeploymentBrief {
  driven_by: string | null
  caused: number[]
  requests: Request[]
  approval: { by: string[]; missing: number } | null
  advice: Advice[]
  rollout: {
    batches: number
    prepare: string | null
    canary: boolean | null
    after_canary: number | null
    interval_seconds: number | null
    max_failures: number | null
    auto_rollback: string | null
    confirm_within_seconds: number | null
  }
  hosts: Record<string, DeploymentHost>
}

export interface OverviewEnvironment {
  default: boolean
  role: Role | null
  live: Record<string, number>
  last: (DeploymentBrief & { hosts: Record<string, number> }) | null
  frozen: string[]
}

export interface OverviewModule {
  problems?: string[]
  type?: string
  description?: string
  team: string | null
  owner: 'pillar' | 'database'
  environments: Record<string, OverviewEnvironment>
}

export interface Overview {
  person: string
  role: Role | null
  modules: Record<string, OverviewModule>
  unfinished: DeploymentBrief[]
}

export interface Version {
  version: string
  built: string | null
  author: string | null
  commit: string | null
  notes: string | null
  announced_by: string | null
  live: boolean
  mark: { mark: 'good' | 'bad'; marked_by: string; marked_at: string; reason: string | null } | null
}

export interface Plan {
  module: string
  environment: string
  kind: Kind
  version: string
  type: string
  root: string
  artifact: { name: string; size: number; sha256: string; url: string } | null
  hosts: Record<string, { live: string | null; recorded: string | null; failed_last: boolean }>
  batches: string[][]
  left_out: string[]
  quarantined: Record<string, string>
  legs: { stages: string[]; batch: number }[]
  rollout: { canary: boolean; max_failures: number; auto_rollback: string; approvals: number; approval_seconds: number | null }
  frozen: string[]
  risks: string[]
  advice: Advice[]
  steps: Record<string, string[]>
  moved_bytes: number | null
  files: Record<string, Record<'added' | 'removed' | 'changed', { count: number; names: string[] }>>
  drift: Record<string, string>
  standards: { errors?: unknown[]; warnings?: Finding[]; waived?: Finding[] }
  expected: { seconds: number; measured_on: number[] } | null
}

export interface Finding {
  rule: string
  path?: string
  message?: string
  text?: string
}

export interface Quarantine {
  host: string
  /** The module whose deployments leave the host out; null for those of every module. */
  module: string | null
  reason: string
  by: string
  since: string
  until: string | null
}

export interface HostHealth {
  state: 'up' | 'down'
  since: string
  problem: string | null
  lost_from: string[]
  changes: number
  is_flapping: boolean
}

export interface HostStanding {
  answers: boolean | null
  /** What the monitor of the engines has seen; null where none has looked. */
  health: HostHealth | null
  quarantine: Quarantine[]
  /** What it answers in the place of what runs there. */
  problem: string | null
  modules: Record<
    string,
    {
      live: string | null
      since: string | null
      last: { deployment: number; outcome: string; error: string | null } | null
      says: string | null
    }
  >
}

export interface Comparison {
  deployments: [DeploymentBrief, DeploymentBrief]
  plan: { path: string; values: [unknown, unknown] }[]
  left_out: number
  hosts: Record<string, ({ outcome: string; version_before: string | null; version_after: string | null } | null)[]>
  stages: Record<string, (number | null)[]>
}
