import { describe, expect, it } from "vitest";
import { momentMs, momentText } from "../src/format";

describe("a moment that is typed", () => {
  it("is read as UTC, and written as it was", () => {
    const ms = momentMs(" 2028-02-29 18:05 ");
    expect(ms).toBe(Date.UTC(2028, 1, 29, 18, 5));
    expect(momentText(BigInt(ms) * 1_000_000n)).toBe("2028-02-29 18:05");
  });
  it("is none where the calendar has none", () => {
    for (const text of ["2027-02-29 18:00", "2027-04-31 00:00", "2027-13-01 00:00", "2027-01-01 24:00", "tomorrow", ""]) {
      expect(momentMs(text)).toBeNaN();
    }
  });
});
