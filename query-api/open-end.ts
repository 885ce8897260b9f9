/** Event times a little ahead of the clock are taken in, so an open end lies ahead of now: at the last time there is. */
export const openEndMs = 8.64e15;
