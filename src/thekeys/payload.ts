/** Where other parts still look for what has moved to `commands.ts`. */
export { payloadOf } from './commands';
