/** Set by `.ci/full`, which interrupts a program at every step. */
const EVERY_STEP = 'ONEVAULT_TEST_EVERY_STEP';

/** Distance of the steps at which a test interrupts a program: elsewhere each third step stands for all. */
export const STRIDE = process.env[EVERY_STEP] === undefined ? 3 : 1;
