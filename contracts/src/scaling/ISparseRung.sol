// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import { IRung } from "./IRung.sol";

/// @title Rung 5: sparse updates, recomputed in full
/// @notice The round of `IRung`, of updates in which at most one parameter of each block of 64 is not zero. A client sends,
/// for each block, the index x_b of that parameter and its value v_b. The contract computes the updates' inner products
/// D_ik and never the average; clients compute that from the rows, which are in the input of the calls of `work` (where a
/// contract made one, find it by a trace):
///     S_i = c_i·Σ_k c_k·D_ik          A_j = Σ_i c_i·v_ij
/// Without clipping c_i = w_i. With it, c_i = w_i·f_i with f_i = ⌊2^32·min(1, R/‖v_i‖)⌋: ‖v_i‖² = D_ii, and R is their
/// median, where every sample counts; scores are at scale (2^32·W)² then.
///
/// On the wire a client's row is cut into pages of `pageBlocks()` blocks, the last one shorter. A page is b bytes of indices,
/// of which the two highest bits are ignored, then b bytes of values, int8 as they are: zeros are cheap. An index beyond P
/// stands for no parameter; its value counts as zero.
///
/// A commitment is the head of a chain over the pages, and good for one client and one round:
///     c_K = round·2^8 + client,  c_k = keccak256(keccak256(page k), c_{k+1}),  head = c_0.
/// It has no salt: who can guess a row, as one of few blocks, sees that the guess is right before the row is handed over.
/// The two ignored bits of each index may be filled at random against that.
///
/// Whoever works needs all rows. They are handed over off chain; who is asked for its row on chain must show it within a
/// quarter of the time to work, or it may be left out, and the work begins anew without it. Clients may ask for and leave
/// out themselves, too. So before the first page, and whenever `Asked` appears, let whoever works `show` the row of
/// everybody asked whose row it has (anyone may), or leave it out first: then no client holds the round up for longer than
/// that quarter after it is asked, and a block. Who works without loses all finished pages to each client that leaves itself out.
interface ISparseRung is IRung {
    /// @notice Where a round of several pages stands; its hash is all the chain keeps.
    /// @param pages Pages done.
    /// @param digest keccak256(abi.encode(present, heads)): of who takes part, bit by bit, and their heads, ascending.
    /// It stands where `IRung.resultDigest` has the sums' digest: the rows bind all A_j.
    /// @param heads c_pages of each client that takes part.
    /// @param gram D_ik over the pages done, 8 bytes each: row by row, from the diagonal on.
    struct State {
        uint256 pages;
        bytes32 digest;
        bytes32[] heads;
        bytes gram;
    }

    /// @notice One transaction's worth of work: a page.
    /// @param state What the last one left; ignored by the first.
    /// @param order With the first page: the clients in the order of their submissions, a byte each.
    /// @param absent With the first page: heads of those that were left out, ascending by client.
    /// @param tails c_{pages + 1} of each client that takes part; none with the last page.
    /// @param rows The page of each of them.
    struct Step {
        State state;
        bytes order;
        bytes32[] absent;
        bytes32[] tails;
        bytes rows;
    }

    /// @notice A client's head. Anonymous, since a kind would cost more than the rest: it is the log right before the
    /// client's `Submitted`, without topics. Who shows a row needs all heads, and who works those of clients left out.
    event Committed(bytes32 head) anonymous;
    /// @notice A page is done, and it was not the last.
    event Worked(uint256 indexed round, State state);
    /// @notice f_i of each client, 0 for those that did not take part (with clipping only).
    event Clipped(uint256 indexed round, uint256[] factors);
    /// @notice These clients, a bit each, are to show their rows; a block at `due` is in time. None was asked before in this
    /// round.
    event Asked(uint256 indexed round, uint256 clients, uint256 due);
    /// @notice The client's row is in the input of this call; where a contract made it, find it by a trace.
    event Shown(uint256 indexed round, uint256 indexed client);
    event LeftOut(uint256 indexed round, uint256 indexed client);

    error RungWrongState(bytes32 given, bytes32 kept);
    error RungWrongData(uint256 client, bytes32 opened, bytes32 committed);
    error RungBadSubmissions(bytes32 opened, bytes32 accumulated);
    error RungNotInRound(uint256 client);
    error RungAskedAlready(uint256 clients);
    error RungNotAsked(uint256 client);
    error RungAnswerDue(uint256 timestamp, uint256 deadline);

    /// @notice Ask clients to show their rows. Only a client that has submitted may, when submissions have closed; each is
    /// asked once a round. It costs the one that asks nothing but gas: ask those that handed nothing over.
    /// @param clients_ A bit each; those that were asked before, or are out, are passed over. Refused if nobody else is left.
    function ask(uint256 round, uint256 clients_) external;

    /// @notice Show the row of a client that was asked; anyone may, as long as it is not left out.
    /// @param order The clients in the order of their submissions, a byte each.
    /// @param heads Their heads, in the same order.
    /// @param place Where in `order` the client stands.
    /// @param row All its pages.
    function show(uint256 round, bytes calldata order, bytes32[] calldata heads, uint256 place, bytes calldata row)
        external;

    /// @notice Leave out a client that was asked and did not show its row in time; anyone may, in a block after `due`.
    function leaveOut(uint256 round, uint256 client) external;

    /// @notice Binds the submissions of the current round and their order: a_0 = round, which it is until somebody submits,
    /// and a_{m+1} = keccak256(abi.encode(a_m, client, head)).
    function accumulator() external view returns (bytes32);

    /// @notice Clients that were left out of the current round, a bit each.
    function excluded() external view returns (uint256);

    /// @notice Blocks in a page: as many as fit a transaction when all clients take part.
    function pageBlocks() external view returns (uint256);

    /// @notice Whether long updates are clipped to the median length.
    function clipped() external view returns (bool);
}
