export default function ({ parentElement }) {
  const button = parentElement.querySelector("button");
  const said = parentElement.querySelector("span");
  const field = parentElement.querySelector("input");
  button.onclick = async () => {
    const link = window.location.href;
    try {
      await navigator.clipboard.writeText(link);
      said.textContent = "Copied";
    } catch {
      said.textContent = "Copy it from here:";
      field.hidden = false;
      field.value = link;
      field.select();
    }
  };
}
