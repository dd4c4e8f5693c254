/** Node-RED 5.0 on Node.js 22: the editor with its dark theme, and strangers at the Google account. */
import { attackedNodeRed } from '../support/google-attacked';
import { attackSuite, type Target } from '../support/google-attacks';
import { nodeRed5 } from '../support/node-red-5';
import { removeTemporary } from '../support/tarball';
import { keyboardSuite } from './keyboard';
import { editorSuite, type SuiteOptions } from './suite';

const options: SuiteOptions = {
  where: nodeRed5,
  look: { language: 'en-US', dark: true },
  languages: [],
};

editorSuite('in Node-RED 5.0', options);
keyboardSuite('in Node-RED 5.0', options);

describe('strangers at the Google account in Node-RED 5.0', () => {
  let target: Target;
  let stop: (() => Promise<void>) | undefined;

  before(async () => {
    ({ target, stop } = await attackedNodeRed(await nodeRed5()));
  });
  after(async () => {
    await stop?.();
    await removeTemporary();
  });

  attackSuite('attacks by name', () => target);
});
