import { defineConfig } from "vite";

export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../../xached/web",
    emptyOutDir: true,
    target: "es2022",
    // Files of their own: a policy without inline script and images has no use for data: URLs.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
    // A test bounds what is sent over the wire.
    chunkSizeWarningLimit: 800,
  },
});
