// Ctrl-C and SIGTERM: the first asks to stop, the second leaves at once.

/** npm passes the terminal's signal on to a program that the terminal has told already. */
const echo = 500;

/** Calls `stop` once when the user asks to end; asking again ends the process. Returns how to stop listening. */
export function onInterrupt(stop: () => void): () => void {
  let asked: number | undefined;
  const interrupt = () => {
    const now = performance.now();
    if (asked === undefined) {
      asked = now;
      stop();
    } else if (now - asked > echo) process.exit(130);
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  return () => {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
  };
}
