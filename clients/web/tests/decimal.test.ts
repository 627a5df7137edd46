import { describe, expect, test } from "vitest";
import { add, compare, divide, multiply, parse, partOf, placesOf, read, subtract, toStep, write } from "../src/decimal";

describe("numbers", () => {
  test.each([
    ["0", "0"], ["0.10", "0.1"], [".5", "0.5"], ["5.", "5"], ["1,5", "1.5"], ["0,00321", "0.00321"], ["-0.001", "-0.001"], ["+3", "3"],
    ["123456789012345678901234567890.123456789012345678", "123456789012345678901234567890.123456789012345678"],
  ])("%s is read exactly", (text, written) => {
    expect(write(read(text))).toBe(written);
  });

  test.each(["", ".", "-", "1e5", "50,000", "1,000.5", "1,2,3", "0x10", "NaN", "1.2.3", " - 1"])("%o is none", (text) => {
    expect(parse(text)).toBeUndefined();
  });

  test("arithmetic never rounds", () => {
    expect(write(add(read("0.1"), read("0.2")))).toBe("0.3");
    expect(write(subtract(read("1"), read("0.99999999")))).toBe("0.00000001");
    expect(write(multiply(read("61839.28"), read("0.00001")))).toBe("0.6183928");
    expect(compare(read("1.10"), read("1.1"))).toBe(0);
    expect(compare(read("-2"), read("1"))).toBe(-1);
  });

  test("division cuts off", () => {
    expect(write(divide(read("1"), read("3"), 5))).toBe("0.33333");
    expect(write(divide(read("100.5"), read("0.25"), 2))).toBe("402");
    expect(() => divide(read("1"), read("0"), 2)).toThrow(RangeError);
  });

  test("steps are whole", () => {
    expect(write(toStep(read("0.123456"), read("0.0001")))).toBe("0.1234");
    expect(write(toStep(read("61839.28"), read("10")))).toBe("61830");
    expect(write(toStep(read("61839.28"), read("10"), "up"))).toBe("61840");
    expect(write(toStep(read("61840"), read("10"), "up"))).toBe("61840");
    expect(write(partOf(read("24999.99"), 250_000))).toBe("6249.9975");
    expect([placesOf("0.010"), placesOf("1"), placesOf("0.00000001")]).toEqual([2, 0, 8]);
  });
});
