// Tells the page what stands between it and a microphone: "insecure", "denied", "none", or "".
// Runs again with the page, so what was told last is kept: the same news twice would not end.
const told = new WeakMap();
const watching = new WeakMap();

export default function ({ parentElement, setStateValue }) {
  watching.get(parentElement)?.abort();
  const control = new AbortController();
  watching.set(parentElement, control);
  const { signal } = control;
  const devices = navigator.mediaDevices;

  async function check(permission) {
    let problem = "";
    if (!devices?.getUserMedia) problem = "insecure";
    else if (permission?.state === "denied") problem = "denied";
    else {
      const found = await devices.enumerateDevices();
      if (!found.some(({ kind }) => kind === "audioinput")) problem = "none";
    }
    if (signal.aborted || problem === (told.get(parentElement) ?? "")) return;
    told.set(parentElement, problem);
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
