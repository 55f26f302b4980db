import { compiledQuery } from '../db/compiled-query.ts'

/** What is read of a user or service to know what they may do. */
export const ownerQueries = {
  user: compiledQuery((db, id: number) =>
    db.selectFrom('users').select(['id', 'name', 'admin', 'cookie_id', 'last_activity']).where('id', '=', id),
  ),

  groupsOfUser: compiledQuery((db, userId: number) =>
    db
      .selectFrom('groups')
      .innerJoin('user_group_map', 'user_group_map.group_id', 'groups.id')
      .where('user_group_map.user_id', '=', userId)
      .select('groups.name')
      .orderBy('groups.name'),
  ),

  groupsOfUsers: compiledQuery((db, names: string[]) =>
    db
      .selectFrom('user_group_map')
      .innerJoin('users', 'users.id', 'user_group_map.user_id')
      .innerJoin('groups', 'groups.id', 'user_group_map.group_id')
      .where('users.name', 'in', names)
      .select(['users.name as user', 'groups.name as group']),
  ),

  /** Scopes of the user's roles and of those of their groups. */
  rolesOfUser: compiledQuery((db, userId: number) =>
    db
      .selectFrom('roles')
      .innerJoin('user_role_map', 'user_role_map.role_id', 'roles.id')
      .where('user_role_map.user_id', '=', userId)
      .select('roles.scopes')
      .unionAll(
        db
          .selectFrom('roles')
          .innerJoin('group_role_map', 'group_role_map.role_id', 'roles.id')
          .innerJoin('user_group_map', 'user_group_map.group_id', 'group_role_map.group_id')
          .where('user_group_map.user_id', '=', userId)
          .select('roles.scopes'),
      ),
  ),

  /** What others shared with the user or their groups and has not run out; `now` is a database time. */
  sharesWithUser: compiledQuery((db, userId: number, now: string) =>
    db
      .selectFrom('shares')
      .innerJoin('users as sharer', 'sharer.id', 'shares.owner_id')
      .innerJoin('spawners', 'spawners.id', 'shares.spawner_id')
      .where(where =>
        where.or([
          where('shares.user_id', '=', userId),
          where(
            'shares.group_id',
            'in',
            db.selectFrom('user_group_map').select('group_id').where('user_id', '=', userId),
          ),
        ]),
      )
      .where(where => where.or([where('shares.expires_at', 'is', null), where('shares.expires_at', '>=', now)]))
      .select(['shares.scopes', 'sharer.name as user', 'spawners.name as server']),
  ),

  service: compiledQuery((db, id: number) =>
    db.selectFrom('services').select(['id', 'name', 'admin']).where('id', '=', id),
  ),

  rolesOfService: compiledQuery((db, serviceId: number) =>
    db
      .selectFrom('roles')
      .innerJoin('service_role_map', 'service_role_map.role_id', 'roles.id')
      .where('service_role_map.service_id', '=', serviceId)
      .select('roles.scopes'),
  ),

  serviceOfClient: compiledQuery((db, clientId: string) =>
    db.selectFrom('services').select('name').where('oauth_client_id', '=', clientId),
  ),

  serverOfClient: compiledQuery((db, clientId: string) =>
    db
      .selectFrom('spawners')
      .innerJoin('users', 'users.id', 'spawners.user_id')
      .where('spawners.oauth_client_id', '=', clientId)
      .select(['users.name as user', 'spawners.name as server']),
  ),
}
