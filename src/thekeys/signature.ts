/** Where other parts still look for what has moved to `calls.ts`. */
export { cleanCode, faultOfCode, sign } from './calls';
