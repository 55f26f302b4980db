/**
 * On every answer of the routes API: another value after each start of the proxy. By it a hub sees a restart between
 * two of its questions, after which the last routes it set may be missing from the snapshot.
 */
export const INSTANCE_HEADER = 'orrery-instance'
