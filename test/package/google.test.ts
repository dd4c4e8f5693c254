/** The attack suite against the package as it is installed, with Node-RED's editor and its own body parser before it. */
import { attackedNodeRed } from '../support/google-attacked';
import { attackSuite, type Target } from '../support/google-attacks';
import { removeTemporary } from '../support/tarball';

describe('strangers at the Google account of an installed package', () => {
  let target: Target;
  let stop: (() => Promise<void>) | undefined;

  before(async () => {
    ({ target, stop } = await attackedNodeRed());
  });
  after(async () => {
    await stop?.();
    await removeTemporary();
  });

  attackSuite('attacks by name', () => target);
});
