/**
 * Locking and unlocking. Of a jammed lock nobody can say whether it is locked (the published schema of LockUnlock), so
 * `isJammed: true` stands alone.
 */
import type { Trait } from './trait';
import { mustBeBoolean } from './trait';

export function lockUnlock(): Trait {
  return {
    name: 'LockUnlock',
    commands: ['LockUnlock'],
    words: ['isLocked', 'isJammed'],
    attributes: {},
    understand: (name, params) => {
      const { lock } = params;
      if (typeof lock !== 'boolean') return { malformed: 'lock must be true or false' };
      return {
        name,
        params,
        action: lock ? 'close' : 'open',
        releases: !lock,
        followUpTrait: 'LockUnlock',
        failure: lock ? 'lockFailure' : 'unlockFailure',
      };
    },
    fault: (word, value) => (value === null && word === 'isLocked' ? undefined : mustBeBoolean(word, value)),
    next: (kept, { said, command, stopped }) => {
      const { isLocked: wasLocked } = kept;
      const { isLocked: saidLocked, isJammed } = said;
      if (isJammed === true) return { isJammed: true };
      const asked = stopped ? undefined : command?.action;
      const isLocked = saidLocked ?? (saidLocked === null ? null : asked === undefined ? wasLocked : asked === 'close');
      // Of a lock that nobody knows anything about nothing is said: half a trait would pass for the whole of it.
      return typeof isLocked === 'boolean' ? { isJammed: false, isLocked } : {};
    },
    shown: (kept) => ({ ...kept }),
  };
}
