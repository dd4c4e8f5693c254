/**
 * The codes that homes' apps manage. Matter asks for a code only to compare it, never to give it back: so a hash is kept,
 * and a folder that is copied shows no PIN.
 */
import { scryptSync, timingSafeEqual } from 'node:crypto';
import { Bytes } from '@matter/main';
import { DoorLock } from '@matter/main/clusters';
import { LockAuth } from '@matter/main/behaviors/door-lock';

/** What matter.js means by "no number" is no value that it can store. */
const NO_UNIQUE_ID = 0xffffffff;

type Tables = ConstructorParameters<typeof LockAuth.Store>[0];

export class Codes extends LockAuth.Store {
  /** @param salt of this lock alone, made once */
  constructor(
    tables: Tables,
    private readonly salt: Bytes,
  ) {
    super(tables, { encrypt: (code) => hash(code, salt), decrypt: (kept) => kept });
  }

  override addUser(user: LockAuth.User): void {
    if (user.userUniqueId === NO_UNIQUE_ID) user.userUniqueId = null;
    super.addUser(user);
  }

  override isDuplicateCredential(type: DoorLock.CredentialType, data: Bytes, except?: number): boolean {
    return this.withCode(data).some(
      ({ credentialType, credentialIndex }) => credentialType === type && credentialIndex !== except,
    );
  }

  /** The user who may use this code now, or null. */
  userOf(code: Bytes): number | null {
    for (const { credentialType, credentialIndex } of this.withCode(code)) {
      const userIndex = this.findUserIndexForCredential(credentialType, credentialIndex);
      const user = userIndex === null ? undefined : this.findUser(userIndex);
      if (user?.userStatus === DoorLock.UserStatus.OccupiedEnabled) return user.userIndex;
    }
    return null;
  }

  /** A home is removed: what it has set goes with it. */
  forget(fabricIndex: number): void {
    for (const { credentialType, credentialIndex, creatorFabricIndex } of this.credentials) {
      if (creatorFabricIndex === fabricIndex) this.removeCredential(credentialType, credentialIndex);
    }
    for (const { userIndex, creatorFabricIndex } of this.users) {
      if (creatorFabricIndex === fabricIndex) this.removeUser(userIndex);
    }
  }

  private withCode(code: Bytes): LockAuth.Credential[] {
    const given = hash(code, this.salt);
    return this.credentials.filter(
      ({ credentialData: kept }) => kept.byteLength === given.byteLength && timingSafeEqual(Bytes.of(kept), given),
    );
  }
}

/** Dear enough to make trying all PINs of a stolen file slow, and cheap enough for a door: 20 to 100 ms. */
function hash(code: Bytes, salt: Bytes): Buffer {
  return scryptSync(Bytes.of(code), Bytes.of(salt), 32, { N: 2 ** 13 });
}
