// What was fetched is no longer new.
for (const link of document.querySelectorAll("[data-download]")) {
  link.addEventListener("click", () => link.closest(".item").querySelector("[data-new]")?.remove());
}
