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
    rolldownOptions: {
      output: {
        // What only administrators' screens need lies apart: the public port does not serve it.
        chunkFileNames: ({ moduleIds }) =>
          moduleIds.some((id) => id.includes("/staff/admin/"))
            ? "admin-assets/[name]-[hash].js"
            : "assets/[name]-[hash].js",
      },
    },
    // A test bounds what is sent over the wire.
    chunkSizeWarningLimit: 800,
  },
});
