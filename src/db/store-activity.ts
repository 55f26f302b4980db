import { compiledQuery } from './compiled-query.ts'

/** Stores an activity of a row, by id and as a time of the database. It only ever grows: clocks differ, and messages overtake each other. */
export const storeIfNewer = {
  users: newerIn('users'),
  spawners: newerIn('spawners'),
  api_tokens: newerIn('api_tokens'),
}

function newerIn(table: 'users' | 'spawners' | 'api_tokens') {
  return compiledQuery((db, id: number, at: string) =>
    db
      .updateTable(table)
      .set({ last_activity: at })
      .where('id', '=', id)
      .where(where => where.or([where('last_activity', 'is', null), where('last_activity', '<', at)])),
  )
}
