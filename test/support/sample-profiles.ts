/** Profiles with a field of each type, as the form of a site that offers them. */
import { profileList } from '../../src/config/profiles-option.ts'
import type { OptionsForm } from '../../src/plugin/spawner.ts'
import { profilesForm } from '../../src/spawning/profiles/profiles-form.ts'

const profiles = profileList.parse([
  {
    name: 'course',
    label: 'Course',
    description: 'What most exercises need: one core, ends after two hours without work.',
    options: {
      software: {
        type: 'choice',
        label: 'Software',
        choices: {
          python: { label: 'Python 3.12', description: 'numpy, pandas, matplotlib' },
          r: { label: 'R 4.4' },
        },
      },
      memory: { type: 'number', label: 'Memory', min: 1, max: 8, default: 2, unit: 'G', setting: 'memLimit' },
      branch: {
        type: 'text',
        label: 'Branch of the exercises',
        description: 'Leave it as it is unless your tutor names another.',
        pattern: '[a-z]+',
        default: 'main',
        variable: 'BRANCH',
      },
      logs: { type: 'switch', label: 'Keep logs', default: true },
    },
  },
  { name: 'large', label: 'Large', description: '8 cores, 64 GB.' },
  { name: 'gpu', label: 'GPU', description: 'Half of an A100, for at most four hours.' },
])

export function sampleProfiles(user: string): OptionsForm {
  return profilesForm(profiles, { id: 1, name: user, admin: false, groups: [] }, undefined)! // there is a choice
}
