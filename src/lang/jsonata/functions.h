#pragma once

#include "lang/jsonata/native.h"

namespace stepmill::jsonata {

// The language's functions, by what they are about. Each gets arguments that
// fit its signature.

// functions_text.cc
Value StringFunction(Arguments& call);
Value SubstringFunction(Arguments& call);
Value SubstringBeforeFunction(Arguments& call);
Value SubstringAfterFunction(Arguments& call);
Value LowercaseFunction(Arguments& call);
Value UppercaseFunction(Arguments& call);
Value LengthFunction(Arguments& call);
Value TrimFunction(Arguments& call);
Value PadFunction(Arguments& call);
Value JoinFunction(Arguments& call);

// functions_match.cc
Value MatchFunction(Arguments& call);
Value ContainsFunction(Arguments& call);
Value ReplaceFunction(Arguments& call);
Value SplitFunction(Arguments& call);

// functions_encode.cc
Value Base64EncodeFunction(Arguments& call);
Value Base64DecodeFunction(Arguments& call);
Value EncodeUrlComponentFunction(Arguments& call);
Value EncodeUrlFunction(Arguments& call);
Value DecodeUrlComponentFunction(Arguments& call);
Value DecodeUrlFunction(Arguments& call);

// functions_number.cc
Value SumFunction(Arguments& call);
Value MaxFunction(Arguments& call);
Value MinFunction(Arguments& call);
Value AverageFunction(Arguments& call);
Value NumberFunction(Arguments& call);
Value FloorFunction(Arguments& call);
Value CeilFunction(Arguments& call);
Value RoundFunction(Arguments& call);
Value AbsFunction(Arguments& call);
Value SqrtFunction(Arguments& call);
Value PowerFunction(Arguments& call);
Value RandomFunction(Arguments& call);
Value FormatBaseFunction(Arguments& call);
/// Half to even, after moving the point by `precision`.
double RoundHalfEven(double number, int precision);

// functions_array.cc
Value CountFunction(Arguments& call);
Value AppendFunction(Arguments& call);
Value ReverseFunction(Arguments& call);
Value ShuffleFunction(Arguments& call);
Value DistinctFunction(Arguments& call);
Value ZipFunction(Arguments& call);
Value SortFunction(Arguments& call);

// functions_object.cc
Value BooleanFunction(Arguments& call);
Value NotFunction(Arguments& call);
Value ExistsFunction(Arguments& call);
Value TypeFunction(Arguments& call);
Value KeysFunction(Arguments& call);
Value LookupFunction(Arguments& call);
Value SpreadFunction(Arguments& call);
Value MergeFunction(Arguments& call);
Value CloneFunction(Arguments& call);
Value ErrorFunction(Arguments& call);
Value AssertFunction(Arguments& call);
Value EvalFunction(Arguments& call);

// functions_higher.cc
Value MapFunction(Arguments& call);
Value FilterFunction(Arguments& call);
Value SingleFunction(Arguments& call);
Value ReduceFunction(Arguments& call);
Value SiftFunction(Arguments& call);
Value EachFunction(Arguments& call);

// functions_date.cc
Value NowFunction(Arguments& call);
Value MillisFunction(Arguments& call);
Value FromMillisFunction(Arguments& call);
Value ToMillisFunction(Arguments& call);
Value FormatIntegerFunction(Arguments& call);
Value ParseIntegerFunction(Arguments& call);
Value FormatNumberFunction(Arguments& call);

// functions_states.cc
Value PartitionFunction(Arguments& call);
Value RangeFunction(Arguments& call);
Value HashFunction(Arguments& call);
Value SeededRandomFunction(Arguments& call);
Value UuidFunction(Arguments& call);
Value ParseFunction(Arguments& call);

}  // namespace stepmill::jsonata
