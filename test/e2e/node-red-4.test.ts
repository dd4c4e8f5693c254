/** The editor of Node-RED 4.1, light, on the Node.js that runs these tests; dialogs in every language. */
import { keyboardSuite } from './keyboard';
import { editorSuite, type SuiteOptions } from './suite';

const options: SuiteOptions = {
  where: () => Promise.resolve({}),
  look: { language: 'en-US' },
  languages: ['fr', 'ru', 'pl'],
};

editorSuite('in Node-RED 4.1', options);
keyboardSuite('in Node-RED 4.1', options);
