/** The editor of Node-RED 4.1, light, on the Node.js that runs these tests; dialogs in every language. */
import { editorSuite } from './suite';

editorSuite('in Node-RED 4.1', {
  where: () => Promise.resolve({}),
  look: { language: 'en-US' },
  languages: ['fr', 'ru', 'pl'],
});
