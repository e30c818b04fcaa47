// Tells the page what stands between it and a microphone: "insecure", "denied", "none", or "".
export default function ({ data, setStateValue }) {
  const control = new AbortController();
  const { signal } = control;
  const devices = navigator.mediaDevices;
  let known = data.known;

  async function check(permission) {
    let problem = "";
    if (!devices?.getUserMedia) problem = "insecure";
    else if (permission?.state === "denied") problem = "denied";
    else {
      const found = await devices.enumerateDevices();
      if (!found.some(({ kind }) => kind === "audioinput")) problem = "none";
    }
    if (signal.aborted || problem === known) return;
    known = problem;
    setStateValue("problem", problem);
  }

  async function watch() {
    // Not every browser knows this permission by name.
    const permission = await navigator.permissions?.query({ name: "microphone" }).catch(() => null);
    if (signal.aborted) return;
    permission?.addEventListener("change", () => check(permission), { signal });
    devices?.addEventListener("devicechange", () => check(permission), { signal });
    await check(permission);
  }

  watch();
  return () => control.abort();
}
