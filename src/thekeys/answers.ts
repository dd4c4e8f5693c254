/** Where other parts still look for what has moved to `wire.ts`. */
export * from './wire';
