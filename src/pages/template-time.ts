/**
 * Times as templates see them. Sites' overrides of JupyterHub's templates write `token.created.isoformat() + 'Z'`,
 * which is Python's naive UTC form, so the dates handed to templates know it too.
 */
export class TemplateTime extends Date {
  /** Python's `datetime.isoformat()` of the naive UTC time: `2026-11-22T04:29:14.123000`, no zone. */
  isoformat(): string {
    return `${this.toISOString().slice(0, -1)}000`
  }
}

export function templateTime(date: Date): TemplateTime
export function templateTime(date: Date | undefined): TemplateTime | undefined
export function templateTime(date: Date | undefined): TemplateTime | undefined {
  return date === undefined ? undefined : new TemplateTime(date)
}
