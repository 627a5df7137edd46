import { describe, expect, it } from "vitest";
import { zipOf } from "../src/account/zip";

const text = (words: string) => new TextEncoder().encode(words);

describe("zipOf", () => {
  it("ends with a directory of all files", async () => {
    const whole = zipOf([{ name: "a.txt", pieces: [text("one "), text("two")] }, { name: "ü.txt", pieces: [] }]);
    const view = new DataView(await whole.arrayBuffer());
    const end = view.byteLength - 22;
    expect(view.getUint32(end, true)).toBe(0x06054b50);
    expect(view.getUint16(end + 10, true)).toBe(2);
    expect(view.getUint32(view.getUint32(end + 16, true), true)).toBe(0x02014b50);
    expect(view.getUint32(14, true)).toBe(0xcd07892f);
  });
});
