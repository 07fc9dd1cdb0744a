// Single keys for people who label all day: what a key stands for is written beside each answer. Everything works
// without this, too.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const typing = event.target.matches("input:not([type=radio], [type=checkbox]), textarea");
  if (typing) return;
  if (event.key === "Enter" && event.target.matches("[type=radio], [type=checkbox]")) {
    event.preventDefault();
    document.querySelector(".answer [value=label]").click();
    return;
  }
  const found = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (found === null) return;
  event.preventDefault();
  found.click();
  found.focus();
});

// Marking a piece of the text ticks its words.
document.addEventListener("mouseup", () => {
  const selection = document.getSelection();
  if (selection === null || selection.isCollapsed) return;
  for (const word of document.querySelectorAll(".word")) {
    if (selection.containsNode(word, true)) word.querySelector("input").checked = true;
  }
  selection.removeAllRanges();
});
