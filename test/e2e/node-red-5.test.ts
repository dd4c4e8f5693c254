/** The editor of Node-RED 5.0 with its dark theme, on Node.js 22. */
import { nodeRed5 } from '../support/node-red-5';
import { editorSuite } from './suite';

editorSuite('in Node-RED 5.0', {
  where: nodeRed5,
  look: { language: 'en-US', dark: true },
  languages: [],
});
