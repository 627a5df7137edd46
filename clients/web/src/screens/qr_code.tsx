// A QR code that the house drew: its path is drawn again, so that no foreign markup gets in.

interface QrCodeProps {
  svg: string;
  label: string;
}

/** The size and the path of a drawing with one path; undefined when it is another drawing. */
export function pathOf(svg: string): { size: number; path: string } | undefined {
  const path = /<path[^>]*\sd="([MmHhVvLlZz0-9 .,-]+)"/.exec(svg)?.[1];
  const width = /<svg[^>]*\swidth="(\d+)/.exec(svg)?.[1];
  const scale = /transform="scale\((\d+)\)"/.exec(svg)?.[1] ?? "1";
  if (!path || !width) return undefined;
  return { size: Number(width) / Number(scale), path };
}

export function QrCode({ svg, label }: QrCodeProps) {
  const found = pathOf(svg);
  if (!found) return null;
  return (
    <svg class="qr" viewBox={`0 0 ${found.size} ${found.size}`} role="img" aria-label={label}>
      <path d={found.path} />
    </svg>
  );
}
