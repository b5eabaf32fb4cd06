#include "gateway/config/json_object.h"

#include <gtest/gtest.h>

namespace onhook {
namespace {

TEST(JsonObjectTest, MembersStayInTheirOrder) {
  JsonObject object;
  object.AddText("b", "1\"2").AddNumber("a", -3).Add("c", JsonArray({"1", JsonText("x")}));
  EXPECT_EQ(object.Text(), R"({"b": "1\"2", "a": -3, "c": [1, "x"]})");
  EXPECT_EQ(JsonObject().AddAll(object).AddNumber("d", 4).Text(),
            R"({"b": "1\"2", "a": -3, "c": [1, "x"], "d": 4})");
}

TEST(JsonObjectTest, EachMemberHasItsLineButASequenceOfScalarsHasOne) {
  EXPECT_EQ(IndentedJson(R"({"a": "{, \"}", "b": ["[", 2], "c": [{"d": true}, {"e": 1}]})"),
            R"({
  "a": "{, \"}",
  "b": ["[", 2],
  "c": [
    {
      "d": true
    },
    {
      "e": 1
    }
  ]
}
)");
}

}  // namespace
}  // namespace onhook
