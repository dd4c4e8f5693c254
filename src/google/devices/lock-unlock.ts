/**
 * Locking and unlocking. Whether a jammed lock is locked is not known (the published schema of LockUnlock), so
 * `isJammed: true` stands alone. A lock that was read and is in no known state is kept as `isLocked: null`.
 */
import { trait, type Trait } from './trait';

export function lockUnlock(): Trait {
  return trait({
    name: 'LockUnlock',
    commands: ['LockUnlock'],
    states: ['isLocked', 'isJammed'],
    understand: (name, params) => {
      const { lock } = params;
      if (typeof lock !== 'boolean') return { why: 'lock must be true or false' };
      return {
        name,
        params,
        action: lock ? 'close' : 'open',
        releases: !lock,
        followUpTrait: 'LockUnlock',
        failure: lock ? 'lockFailure' : 'unlockFailure',
      };
    },
    fault: (state, value) =>
      typeof value === 'boolean' || (value === null && state === 'isLocked')
        ? undefined
        : `${state} must be true or false`,
    next: (kept, { said, command, stopped }) => {
      const { isLocked: saidLocked, isJammed } = said;
      if (isJammed === true) return { isJammed: true };
      if (saidLocked === null) return { isLocked: null };
      const wanted = stopped ? undefined : command?.action;
      const isLocked = saidLocked ?? (wanted === undefined ? kept.isLocked : wanted === 'close');
      if (typeof isLocked === 'boolean') return { isJammed: false, isLocked };
      // Of a lock that was never read nothing is said: half a trait would pass for the whole of it.
      return isLocked === null ? { isLocked } : {};
    },
    shown: (kept) => (kept.isLocked === null ? {} : { ...kept }),
  });
}
